# Stands in for the image "michaelf34/infinity": the same server from PyPI, with the engine it has for debugging,
# which needs no model. Its vectors mean nothing.
FROM debian:trixie-slim
# It asks for NumPy 1, which has no wheel for this Python.
RUN pip install --break-system-packages --no-cache-dir uv \
    && echo "numpy>=2" > /tmp/override.txt \
    && uv pip install --system --break-system-packages --no-cache --override /tmp/override.txt "infinity-emb[server]==0.0.78"
ENV INFINITY_ENGINE=debugengine
ENTRYPOINT ["infinity_emb"]
