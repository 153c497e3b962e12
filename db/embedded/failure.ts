const PORT_TAKEN = /could not bind|Address already in use/;

const FIXES: readonly (readonly [said: RegExp, fix: string])[] = [
  [PORT_TAKEN, "Other programs keep taking its port: start again."],
  [/No space left on device|Disk quota/, "The disk is full: free some space and start again."],
  [
    /Permission denied|wrong ownership|invalid permissions/,
    "Its folder must belong to the user who starts this: give it back with chown -R, or choose another DATA_DIR.",
  ],
  [
    /incompatible with server/,
    "Another major version of Postgres wrote these data: run the release that wrote them, back up, and restore with this one.",
  ],
  [
    /shared memory block .* in use/,
    "Processes of an earlier server are still ending: wait a few seconds and start again.",
  ],
  [
    /could not look up effective user/,
    "This user has no name on this machine: start as one that /etc/passwd lists.",
  ],
];

/** Whether the server ended because another program has its port. */
export function isPortTaken(said: string): boolean {
  return PORT_TAKEN.test(said);
}

/** An error with the fix for what initdb or the server said, and its own words below. */
export function startFailure(what: string, said: string): Error {
  const fix = FIXES.find(([pattern]) => pattern.test(said))?.[1];
  return new Error(`${what}. ${fix ?? "Its last words say why."}\n${said.trim()}`);
}
