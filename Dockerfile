# The desk as one container: `docker compose up --build` adds Postgres. See README, "In containers".
FROM python:3.11-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

COPY . .
# Compiled once, as pip did with the packages: a container writes nothing beside its sources.
RUN python -m compileall -q app.py core pages
# The desk writes only here: the local folder's pictures, SQLite, the key that signs links.
RUN useradd --create-home --uid 10001 packshot \
    && mkdir -p var \
    && chown packshot:packshot var
USER 10001
VOLUME ["/app/var"]

EXPOSE 8501
# Liveness only: a database that is away is no reason to restart the desk. /ready tells the rest.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/health', timeout=4)"]
# SIGTERM lets pictures that were sent come back first; give it 30 seconds.
CMD ["streamlit", "run", "app.py", "--server.address", "0.0.0.0", "--server.port", "8501"]
