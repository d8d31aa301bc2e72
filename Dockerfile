ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
COPY requirements/service.txt /
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary :all: -r /service.txt \
    # A fifth of these files is never imported.
    && cd /venv/lib/python3*/site-packages \
    && rm -r pyarrow/include pyarrow/*flight* \
    && find . -type d -name tests -prune -exec rm -r {} +
COPY vitrine /app/vitrine
COPY service /app/service
RUN /venv/bin/python -m compileall -q /app
COPY models /app/models
COPY deploy/image/sbom.py /
RUN /venv/bin/python /sbom.py /app/models >/app/sbom.cdx.json

FROM ${BASE}
ARG BASE
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Vitrine" \
    org.opencontainers.image.description="Predict with published Keras models over HTTP, and see how far to trust the answers." \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.base.name="${BASE}"
RUN useradd --system --uid 10001 --no-create-home vitrine
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 VITRINE_HOST=0.0.0.0 VITRINE_PORT=8080
# No start of the image has to try the versions that come with it.
RUN ["python", "-m", "service", "try", "models"]
USER 10001
EXPOSE 8080
HEALTHCHECK --start-period=5s CMD ["python", "-m", "service", "health"]
ENTRYPOINT ["python", "-m", "service", "serve"]
