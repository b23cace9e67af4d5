# The image of Opilio: the binary, the libraries that it links to, CA certificates and time zones, and nothing else.
#
#   docker build --tag opilio .
#
# The classic builder does as well as BuildKit. A binary that is there already is put in, instead of one being compiled, by
# `--build-arg BINARY=target/image/opilio`, a path that .dockerignore lets in. Its libraries come from the builder image,
# which may then be any that has them, CA certificates and time zones (`--build-arg BUILDER=…`).
ARG BUILDER=rust:1.95-bookworm

FROM ${BUILDER} AS build
ARG BINARY
WORKDIR /opilio

# What others wrote, compiled under empty packages of ours: a change of our own code leaves this layer as it is. The
# manifests lose their tests and benches, which are not here.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY actors/Cargo.toml actors/
COPY page/Cargo.toml page/
RUN [ -n "$BINARY" ] || { set -e; \
      for package in . actors page; do \
        awk '/^\[/ { keep = !/^\[\[(bench|test)\]\]/ } keep' $package/Cargo.toml > kept && mv kept $package/Cargo.toml; \
        mkdir $package/src && touch $package/src/lib.rs; \
      done; \
      echo 'fn main() {}' > src/main.rs; \
      cargo build --release --locked --bin opilio; }

COPY config.yml ./
COPY src src
COPY actors/src actors/src
COPY page/src page/src
COPY ${BINARY:-Cargo.lock} /given/opilio
RUN [ -n "$BINARY" ] || { set -e; \
      find src */src -name '*.rs' -exec touch {} +; \
      cargo build --release --locked --bin opilio; \
      cp target/release/opilio /given/opilio; }

RUN set -e; mkdir -p /image/tmp /image/etc/ssl/certs /image/usr/share; chmod 1777 /image/tmp; \
    install -D /given/opilio /image/usr/bin/opilio; \
    ldd /given/opilio | grep -o '/[^ ]*' | xargs -I '{}' cp --parents --dereference '{}' /image; \
    cp --dereference /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/; \
    cp -r /usr/share/zoneinfo /image/usr/share/; \
    echo 'opilio:x:65532:65532::/:/usr/bin/opilio' > /image/etc/passwd; \
    echo 'opilio:x:65532:' > /image/etc/group; \
    /image/usr/bin/opilio --version

FROM scratch
COPY --from=build /image /
# The embedded store, where Redis is not the store.
COPY --from=build --chown=65532:65532 /image/tmp /data
# A config.yml that is mounted here is found.
WORKDIR /etc/opilio
ENV OPILIO__APP__HOST=0.0.0.0 OPILIO__STORE__PATH=/data
USER 65532:65532
EXPOSE 11235
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/bin/opilio", "health"]
ENTRYPOINT ["/usr/bin/opilio"]
CMD ["serve"]
