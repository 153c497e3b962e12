/** For a container's health check: exits 0 when this machine's own program is ready, else 1 with the reason. */
async function main(): Promise<void> {
  const url = `http://127.0.0.1:${process.env["PORT"] || "3000"}/health/ready`;
  const response = await fetch(url, { signal: AbortSignal.timeout(4_000) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
}

main().catch((err: unknown) => {
  process.stderr.write(`${err instanceof Error ? err.message : String(err)}\n`);
  process.exit(1);
});
