# The image of Opilio: the binary, its shared libraries, CA certificates and time zones.
#
#   docker build --tag opilio .
#
# Builds with the classic builder and with BuildKit. `--build-arg BINARY=target/image/opilio` uses an existing binary (its path
# must be allowed in .dockerignore) instead of compiling one. Its shared libraries, the CA certificates and the time zones come
# from the builder image, which can then be any image that has them (`--build-arg BUILDER=…`).
ARG BUILDER=rust:1.95-bookworm

FROM ${BUILDER} AS build
ARG BINARY
WORKDIR /opilio

# A layer with the compiled dependencies, which a change of the project's own code does not invalidate. The manifests are
# stripped of tests and benches, whose files are not copied.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY actors/Cargo.toml actors/
COPY page/Cargo.toml page/
RUN [ -n "$BINARY" ] || { set -e; \
      for package in . actors page; do \
        awk '/^\[/ { keep = !/^\[\[(bench|test)\]\]/ } keep' $package/Cargo.toml > stripped && mv stripped $package/Cargo.toml; \
        mkdir $package/src && touch $package/src/lib.rs; \
      done; \
      echo 'fn main() {}' > src/main.rs; \
      cargo build --release --locked --bin opilio; }

COPY config.yml ./
COPY src src
COPY actors/src actors/src
COPY page/src page/src
COPY ${BINARY:-Cargo.lock} /binary/opilio
RUN [ -n "$BINARY" ] || { set -e; \
      find src */src -name '*.rs' -exec touch {} +; \
      cargo build --release --locked --bin opilio; \
      cp target/release/opilio /binary/opilio; }

RUN set -e; mkdir -p /image/tmp /image/etc/ssl/certs /image/usr/share; chmod 1777 /image/tmp; \
    install -D /binary/opilio /image/usr/bin/opilio; \
    ldd /binary/opilio | grep -o '/[^ ]*' | xargs -I '{}' cp --parents --dereference '{}' /image; \
    cp --dereference /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/; \
    cp -r /usr/share/zoneinfo /image/usr/share/; \
    echo 'opilio:x:65532:65532::/:/usr/bin/opilio' > /image/etc/passwd; \
    echo 'opilio:x:65532:' > /image/etc/group; \
    /image/usr/bin/opilio --version

FROM scratch
COPY --from=build /image /
# Directory of the embedded store.
COPY --from=build --chown=65532:65532 /image/tmp /data
# A config.yml that is mounted here is loaded.
WORKDIR /etc/opilio
ENV OPILIO__APP__HOST=0.0.0.0 OPILIO__STORE__PATH=/data
USER 65532:65532
EXPOSE 11235
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/bin/opilio", "health"]
ENTRYPOINT ["/usr/bin/opilio"]
CMD ["serve"]
