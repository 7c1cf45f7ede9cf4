# Stands in for the image "valkey/valkey": the same user, folder and programs; Valkey from Debian.
FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends valkey-server \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner valkey --group valkey /data
VOLUME /data
WORKDIR /data
CMD ["valkey-server"]
