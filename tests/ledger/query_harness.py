"""Data Query in tests: jobs submitted and polled, and the rows of their results."""

import json
from decimal import Decimal

JOBS = "/query/jobs"


def job_body(query, **fields):
    body = {
        "query": query,
        "outputFormat": "JSON",
        "compression": "NONE",
        "output": {"target": "S3"},
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}


def submit(client, query, **fields):
    response = client.post(JOBS, json=job_body(query, **fields))
    assert response.status_code == 200, response.text
    return response.json()["data"]["id"]


def done(client, query, **fields):
    """The job of a query once it is polled."""
    response = client.get(f"{JOBS}/{submit(client, query, **fields)}")
    assert response.status_code == 200, response.text
    return response.json()["data"]


def content(client, job):
    """The file of a completed job, fetched without a token."""
    assert job["queryStatus"] == "completed", job
    response = client.get(job["dataFile"], headers={"Authorization": ""})
    assert response.status_code == 200, response.text
    return response.content


def rows(client, query, **fields):
    lines = content(client, done(client, query, **fields)).decode().splitlines()
    return [json.loads(line, parse_float=Decimal) for line in lines]
