# Both images are arguments so that a stand-in can take their place where no registry can be reached.
ARG BUN_IMAGE=oven/bun:1.4.5-slim
ARG NODE_IMAGE=node:22-bookworm-slim

# The packages that the program runs with, by npm, because package-lock.json is npm's. No install scripts: what
# runs needs none.
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete \
 && rm -rf node_modules/bun-types node_modules/@types

FROM ${BUN_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="BlockBot" \
      org.opencontainers.image.description="A self-hosted AI teammate that a whole team talks to in Telegram" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 1001 blockbot \
 && useradd --uid 1001 --gid 1001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin blockbot \
 && install -d -o 1001 -g 1001 -m 700 /data
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json tsconfig.json LICENSE ./
COPY db db
COPY core core
COPY bot bot
COPY ops ops
# The code belongs to root and is only read; /data is the one place that is written to, and only outside production.
# BUN_RUNTIME_TRANSPILER_CACHE_PATH=0: no cache on disk, so the root filesystem may be read-only.
ENV NODE_ENV=production \
    DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=3000 \
    BUN_CONFIG_MAX_HTTP_REQUESTS=4000 \
    BUN_RUNTIME_TRANSPILER_CACHE_PATH=0
USER 1001:1001
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["bun", "ops/health-check.ts"]
ENTRYPOINT ["bun"]
CMD ["ops/start.ts"]
