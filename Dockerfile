# One build: the images `backend` (API, worker, beat, migrations, llmbot) and `bot` (the Telegram relay); and, for who
# wants agents to use a browser, `browser` (a worker with Chromium).

FROM python:3.13.15-slim-trixie AS python
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --no-create-home --home-dir /tmp llmbot
WORKDIR /app

# Each image gets its part of the one lock. A package without a hash there, or with another, ends the build.
FROM python AS dependencies
COPY docker/installer.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement installer.lock && uv venv /opt/venv
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    VIRTUAL_ENV=/opt/venv
COPY pyproject.toml requirements.lock ./

FROM dependencies AS backend-dependencies
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --require-hashes --no-build --constraint requirements.lock --requirement pyproject.toml

FROM dependencies AS browser-dependencies
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --require-hashes --no-build --constraint requirements.lock --extra browser --requirement pyproject.toml

FROM dependencies AS bot-dependencies
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --require-hashes --no-build --constraint requirements.lock --group bot

# Beside its dependencies, so that a change of code makes a small layer.
FROM dependencies AS backend-code
COPY LICENSE README.md ./
COPY backend backend
COPY migrations migrations
COPY directus directus
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --no-deps --build-constraint installer.lock --target /opt/llmbot .

FROM python AS backend
LABEL org.opencontainers.image.title="LLM Bot Core: backend" \
      org.opencontainers.image.description="Sessions, memory and models behind a language-model bot" \
      org.opencontainers.image.licenses="MIT"
# What agents run, and what confines it where containers may have namespaces.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap file git \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner=llmbot --mode=0700 /workspaces
ENV PATH=/opt/llmbot/bin:$PATH \
    PYTHONPATH=/opt/llmbot
COPY --from=backend-dependencies /opt/venv /opt/venv
COPY docker/worker_alive.py /usr/local/lib/
COPY --from=backend-code /opt/llmbot /opt/llmbot
USER 10001
EXPOSE 8080
CMD ["python", "-m", "backend.api"]

FROM backend AS browser
LABEL org.opencontainers.image.title="LLM Bot Core: browser"
USER root
RUN apt-get update \
    && apt-get install --yes --no-install-recommends chromium fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*
COPY --from=browser-dependencies /opt/venv /opt/venv
USER 10001

FROM python AS bot
LABEL org.opencontainers.image.title="LLM Bot Core: bot" \
      org.opencontainers.image.description="Relays between Telegram and the backend" \
      org.opencontainers.image.licenses="MIT"
COPY --from=bot-dependencies /opt/venv /opt/venv
COPY telegram_bot telegram_bot
RUN python -m compileall -q telegram_bot
USER 10001
CMD ["python", "-m", "telegram_bot"]
