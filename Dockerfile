# Model Curator in a container: the server, and with another command its workers.
#   docker build -t model-curator . && docker run -p 8080:8080 -v curator-data:/data model-curator
FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements/runtime.txt requirements/runtime.txt
RUN python -m venv /opt/curator && /opt/curator/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY curator curator
COPY scanners scanners
COPY rules rules
COPY docs/findings docs/findings
RUN /opt/curator/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim
# Rules may come from a git folder.
RUN apt-get update && apt-get install --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --create-home curator && install -d -o curator /data
COPY --from=build /opt/curator /opt/curator
USER curator
ENV PATH=/opt/curator/bin:$PATH CURATOR_DATA=/data CURATOR_HOST=0.0.0.0
VOLUME /data
EXPOSE 8080
HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=3)"]
ENTRYPOINT ["curator"]
CMD ["serve"]
