# The server in a small image: built in one stage, run by a user of its own in the other.
#
#   docker build -t vestibule .
#   docker run -p 127.0.0.1:8080:8080 -v vestibule:/var/lib/vestibule vestibule
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY static static
RUN cargo build --release --locked --bin vestibule

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/vestibule --shell /usr/sbin/nologin vestibule \
 && install --directory --mode 0700 --owner vestibule --group vestibule /var/lib/vestibule
COPY --from=build /src/target/release/vestibule /usr/local/bin/vestibule
USER vestibule
WORKDIR /var/lib/vestibule
VOLUME /var/lib/vestibule
ENV VESTIBULE__DATA_DIR=/var/lib/vestibule \
    VESTIBULE__SERVER__HTTP=0.0.0.0:8080 \
    VESTIBULE__SERVER__HTTPS=0.0.0.0:8443
EXPOSE 8080 8443
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["vestibule", "health"]
ENTRYPOINT ["vestibule"]
