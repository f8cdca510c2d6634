#!/bin/sh
# Install from Debian what pip cannot: MariaDB, where there is no MySQL either, and venv where it is
# missing; then what the further arguments name: `chromium` for the tests of the search page,
# `debootstrap` for other places.
# Without the rights to do that, print the one command and stop.
set -eu

python=${1:-python3}
[ $# -eq 0 ] || shift
missing=""
"$python" -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
database() {
  PATH="$PATH:/usr/sbin:/usr/libexec"
  command -v "${DRUGSYNC_MYSQL_SERVER:-mariadbd}" || command -v mysqld
}
(database) >/dev/null || missing="$missing mariadb-server-core mariadb-client-core"
browser() {
  command -v chromium || command -v chromium-browser || command -v google-chrome
}
for extra in "$@"; do
  case $extra in
  chromium) browser >/dev/null ;;
  *) command -v "$extra" >/dev/null ;;
  esac || missing="$missing $extra"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if ! command -v apt-get >/dev/null; then
  echo "Please install:$missing (or what your system calls them), then run this again." >&2
  exit 1
fi
if [ "$(id -u)" = 0 ]; then
  sudo=""
elif sudo -n true 2>/dev/null; then
  sudo="sudo"
else
  echo "Missing here:$missing. Please run: sudo $install" >&2
  exit 1
fi
echo "installing$missing"
quietly=${0%/*}/quietly.sh
"$quietly" $sudo apt-get update
"$quietly" $sudo env DEBIAN_FRONTEND=noninteractive $install
