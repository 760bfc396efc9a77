#!/usr/bin/env bash
# Starts the release binary in an empty folder, pastes the greeting's own lines, stops it.
set -euo pipefail
binary=$(realpath "${CARGO_TARGET_DIR:-target}/release/vestibule")
home=$(mktemp -d)
cd "$home"
"$binary" --demo --http 127.0.0.1:0 --https off >greeting 2>log &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$home"' EXIT

for _ in $(seq 100); do
  grep -q "/session/logout" greeting && break
  kill -0 "$server"
  sleep 0.1
done
grep -E '^ +(curl|TOKEN=)' greeting >lines
NO_PROXY='*' bash -euo pipefail lines >replies 2>errors

# A 204 for the password and one for the logout, a redirect for the token. Bodies end without a newline.
test "$(grep -o 'HTTP/1.1 204' replies | wc -l)" = 2
test "$(grep -o 'HTTP/1.1 302' replies | wc -l)" = 1
grep -q '"userName":"tsadmin"' replies
kill -TERM "$server"
wait "$server"
echo "PASS the release build signs in and out, and stops with exit code 0"
