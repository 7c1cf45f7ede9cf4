# Stands in for the image "qdrant/qdrant": answers that it is ready, and stores nothing.
FROM debian:trixie-slim
RUN useradd --uid 1000 qdrant && install --directory --owner qdrant /qdrant/storage /qdrant/snapshots /qdrant/web \
    && touch /qdrant/web/readyz
USER 1000
CMD ["python3", "-m", "http.server", "--directory", "/qdrant/web", "6333"]
