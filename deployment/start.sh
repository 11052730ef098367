#!/bin/sh
# Starts the self-hosted gate with Prometheus and Grafana, as whoever calls it, and waits until all of them are healthy.
#   deployment/start.sh            the account of secrets/aws-credentials, read-only
#   deployment/start.sh --local    an example fleet, to try it out
#   deployment/start.sh --tls      over TLS, for other machines too
# Ends with 77 for root, and with 78 where a file is not as it must be; then nothing was started.
set -eu

if [ "$(id -u)" -eq 0 ]; then
  echo "start.sh: not as root. The gate needs no rights of root, and what it writes would belong to root." >&2
  echo "start.sh: log in as an ordinary user who may use docker, and start it again." >&2
  exit 77
fi
cd "$(dirname "$0")"
umask 077

files="-f docker-compose.yml -f docker-compose.monitoring.yml"
secrets="access-token grafana-password encryption-key aws-credentials"
case "${1:-}" in
--local)
  files="$files -f docker-compose.local.yml"
  secrets="access-token grafana-password encryption-key"
  shift
  ;;
--tls)
  files="$files -f docker-compose.tls.yml"
  secrets="$secrets tls-cert.pem tls-key.pem"
  shift
  ;;
esac

wrong=0
# What compose itself would read settings from, and every secret: regular files of the caller that nobody else can read.
for file in .env $(printf 'secrets/%s ' $secrets); do
  if [ "$file" = .env ] && [ ! -e .env ] && [ ! -L .env ]; then continue; fi
  if [ -L "$file" ] || [ ! -f "$file" ]; then
    echo "start.sh: deployment/$file is not there, or is no regular file (deployment/README.md says what is in it)." >&2
    wrong=1
  elif [ "$(stat -c '%u %a' "$file")" != "$(id -u) 600" ]; then
    echo "start.sh: deployment/$file must belong to you and have mode 600: chmod 600 deployment/$file" >&2
    wrong=1
  elif [ ! -s "$file" ]; then
    echo "start.sh: deployment/$file is empty." >&2
    wrong=1
  fi
done
if [ "$wrong" -ne 0 ]; then exit 78; fi

mkdir -p data/gate data/prometheus data/grafana
UID_GID="$(id -u):$(id -g)"
# UID is a variable that some shells do not let anybody set, so it is handed over by env.
# shellcheck disable=SC2086 # the list of files is meant to be split
exec env UID="${UID_GID%:*}" GID="${UID_GID#*:}" docker compose $files up -d --build --wait "$@"
