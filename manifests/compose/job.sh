# One job: the SHA-256 of the payload, after a second in which there is something to watch.
set -eu
sum=$(sha256sum)
sleep 1
printf '{"sha256": "%s", "worker": "%s"}\n' "${sum%% *}" "$(cat /etc/hostname)"
