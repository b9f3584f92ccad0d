# The image of compose.yaml: the program with everything it needs, as an unprivileged user.
FROM node:22-slim AS frontend
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM python:3.12-slim
WORKDIR /app
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY requirements.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement requirements.lock
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . && useradd --system registry
COPY --from=frontend /app/node_modules node_modules
USER registry
EXPOSE 8000
CMD ["registry", "serve"]
