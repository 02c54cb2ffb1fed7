# The static binary, the certificate authorities that it trusts, and nothing
# else: no shell and no package. `make image` fills the context and the version.
# /data is the only folder that can be written to; mount a volume there.
FROM scratch
LABEL org.opencontainers.image.title="httpdest" \
      org.opencontainers.image.description="A simulation and conformance test of the HTTP API destination" \
      org.opencontainers.image.source="https://github.com/httpdest/httpdest" \
      org.opencontainers.image.documentation="https://github.com/httpdest/httpdest/tree/main/docs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="@VERSION@" \
      org.opencontainers.image.revision="@COMMIT@"
COPY httpdest /httpdest
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --chown=65532:65532 data /data
ENV TMPDIR=/data
WORKDIR /data
USER 65532:65532
ENTRYPOINT ["/httpdest"]
