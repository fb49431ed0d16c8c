# One job: compresses the file whose path is the payload, and reports what came out as JSON. An
# unreadable file ends the job with a failure, and the pool tries it again.
set -euo pipefail

file=$(cat)
packed=$WP_JOB_DIR/packed.xz # a folder of this job's own, removed afterwards
xz -6 -T1 -c -- "$file" >"$packed"
read -r sha256 _ < <(sha256sum <"$packed")
printf '{"file": "%s", "bytes": %d, "compressed": %d, "sha256": "%s"}\n' \
  "$file" "$(stat -Lc %s -- "$file")" "$(stat -c %s -- "$packed")" "$sha256"
