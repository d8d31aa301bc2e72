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

FROM ${BASE}
RUN useradd --system --uid 10001 --no-create-home vitrine
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY models /app/models
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 VITRINE_HOST=0.0.0.0 VITRINE_PORT=8080
# No start of the image has to try the versions that come with it.
RUN ["python", "-m", "service", "try", "models"]
USER 10001
EXPOSE 8080
HEALTHCHECK --start-period=5s CMD ["python", "-m", "service", "health"]
ENTRYPOINT ["python", "-m", "service", "serve"]
