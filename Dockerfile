# One image for every service and for the one-shot steps; docker-compose.yml says which it is.
ARG PYTHON=python:3.13-slim-trixie

FROM ${PYTHON} AS build
WORKDIR /src
# The environment has no pip of its own: it is filled from outside, and is smaller and harder to change for it.
RUN python3 -m venv /opt/tools && python3 -m venv --without-pip /opt/lobby
COPY requirements.lock requirements-run.lock ./
# Everything at the versions and hashes of the locks; of the one for development, only what builds the wheel.
RUN awk '/^setuptools==/ {found=1} found {print} found && !/\\$/ {exit}' requirements.lock >requirements-build.lock \
 && /opt/tools/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-build.lock \
 && /opt/tools/bin/pip --python /opt/lobby/bin/python install --no-cache-dir --disable-pip-version-check \
      --require-hashes -r requirements-run.lock
COPY pyproject.toml README.md LICENSE ./
COPY shared shared
COPY services services
RUN /opt/tools/bin/pip wheel --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir /dist . \
 && /opt/tools/bin/pip --python /opt/lobby/bin/python install --no-cache-dir --disable-pip-version-check --no-deps /dist/*.whl

FROM ${PYTHON}
RUN useradd --system --uid 10001 --home-dir /var/lib/lobby --create-home --shell /usr/sbin/nologin lobby
COPY --from=build /opt/lobby /opt/lobby
ENV PATH=/opt/lobby/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LOBBY_LOG=json
USER 10001
WORKDIR /var/lib/lobby
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["lobby"]
CMD ["--help"]
