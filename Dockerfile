# The operator. The context is the repository.
FROM python:3.11-slim-bookworm AS build
RUN python -m venv /opt/gatebench
ENV PATH=/opt/gatebench/bin:$PATH
COPY requirements/operator.txt /build/requirements.txt
RUN pip install --no-cache-dir --require-hashes -r /build/requirements.txt
COPY pyproject.toml LICENSE /build/
COPY operator /build/operator
COPY analysis /build/analysis
# The README is named in pyproject.toml, but a change to it is none to the image.
RUN cd /build && touch README.md && pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
COPY --from=build /opt/gatebench /opt/gatebench
# USER: the operator names itself by it, and a user ID alone has no name.
ENV PATH=/opt/gatebench/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 USER=gatebench
USER 65532:65532
EXPOSE 8080
CMD ["gatebench-operator"]
