"""A stdio handler that answers each job with its payload: one JSON line in, one JSON line out."""
import json
import sys

for line in sys.stdin:
    job = json.loads(line)
    sys.stdout.write(json.dumps({"result": job.get("payload")}) + "\n")
    sys.stdout.flush()
