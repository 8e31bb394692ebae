# The version of Node that the tests run with. By its digest, which holds for all architectures, every build begins with
# the same bytes. --build-arg BASE=IMAGE takes another, from a private registry for example.
ARG BASE=node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6
FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# A private registry or a certificate authority of your own: --secret id=npmrc,src=FILE. It stays out of the image.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund --no-update-notifier \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -delete
COPY LICENSE ./
COPY config ./config
COPY src ./src
RUN npm run --silent sbom > sbom.cdx.json
# The user of the image owns nothing and reads everything, whatever the umask of the checkout was.
RUN chmod -R u=rwX,go=rX /app && mkdir /volume

# Nothing runs in this stage: its layers are the files above. Node executes the TypeScript, so there is no build step.
FROM ${BASE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
# Scanners take a file of this ending for what it is: CycloneDX.
COPY --from=build /app/LICENSE /app/package.json /app/sbom.cdx.json ./
COPY --from=build /app/config ./config
COPY --from=build /app/src ./src
# What a new volume there begins as: the one place in which that user may keep something, its own certificate.
COPY --from=build --chown=1000:1000 /volume /etc/puppet-lb

# By number, so that Kubernetes' runAsNonRoot can tell. It is the user `node` of the base image.
USER 1000:1000
EXPOSE 8140 9140

# Node asks the admin listener itself: no shell, no curl. PUPPET_LB_ADMIN_PORT moves the listener and this check
# together; a port that only the file moves has to be told to this check through that variable as well.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (Number(process.env.PUPPET_LB_ADMIN_PORT) || 9140) + '/healthz', { signal: AbortSignal.timeout(3000) }).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]

# Node itself is process 1, so that the signal to stop reaches it. It starts no other process, so none is left to reap.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--disable-sigusr1", "/app/src/main.ts"]
CMD ["serve", "--config", "/etc/puppet-lb/puppet-lb.yaml"]

ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="puppet-lb" \
      org.opencontainers.image.description="A Layer-7 HTTPS load balancer for Puppet" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
