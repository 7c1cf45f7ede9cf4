# Stands in for the image "python": Debian's own Python under the same names.
FROM debian:trixie-slim
RUN ln -s /usr/bin/python3 /usr/local/bin/python \
    && ln -s /usr/bin/pip3 /usr/local/bin/pip \
    && rm /usr/lib/python3.*/EXTERNALLY-MANAGED
CMD ["python"]
