#!/usr/bin/env bash
# Fetches what the tests drive: Redis, PostgreSQL, OpenLDAP, xmlsec1, PHP, curl, strace,
# Python and node with the published clients, SimpleSAMLphp, and a browser.
# Runs in a moment when all of it is there; says what it does when not.
set -euo pipefail
cd "$(dirname "$0")/.."
clients=${CARGO_TARGET_DIR:-target}/clients

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

has() {
  command -v "$1" >/dev/null 2>&1
}

has_python() {
  has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null
}

has_node() {
  has npm && has node && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'
}

has_postgres() {
  # 15 or later; the tests start servers of their own from these programs.
  compgen -G '/usr/lib/postgresql/*/bin/initdb' | grep -qE '/(1[5-9]|[2-9][0-9])/bin/'
}

has_php_xml() {
  has php && php -r 'exit(extension_loaded("dom") && extension_loaded("mbstring") ? 0 : 1);'
}

has_browser() {
  has chromium || has chromium-browser || has google-chrome
}

packages=()
has redis-server || packages+=(redis-server)
has redis-cli || packages+=(redis-tools)
has_postgres || packages+=(postgresql)
has slapd || [ -x /usr/sbin/slapd ] || packages+=(slapd)
has ldapmodify || packages+=(ldap-utils)
has openssl || packages+=(openssl)
has xmlsec1 || packages+=(xmlsec1)
has php || packages+=(php-cli)
has_php_xml || packages+=(php-xml php-mbstring)
has curl || packages+=(curl)
has strace || packages+=(strace)
has git || packages+=(git)
has cc || packages+=(build-essential)
has_python || packages+=(python3 python3-venv)
has_node || packages+=(nodejs npm)
has_browser || packages+=(chromium)
if [ ${#packages[@]} -gt 0 ]; then
  if ! has apt-get; then
    echo "setup: missing here: ${packages[*]} (Debian's names); install them and run make setup again" >&2
    exit 1
  fi
  echo "setup: installing ${packages[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi

# fetched FOLDER LIST: whether FOLDER was filled from this very LIST.
fetched() {
  cmp -s "$clients/$1/.fetched" "tests/clients/$2"
}

if ! fetched python requirements.txt; then
  echo "setup: fetching the Python clients into $clients/python"
  rm -rf "$clients/python"
  python3 -m venv "$clients/python"
  "$clients/python/bin/pip" install --quiet --disable-pip-version-check --no-deps -r tests/clients/requirements.txt
  cp tests/clients/requirements.txt "$clients/python/.fetched"
fi

if ! fetched mstrio mstrio.txt; then
  echo "setup: fetching the MicroStrategy clients into $clients/mstrio"
  rm -rf "$clients/mstrio"
  python3 -m venv "$clients/mstrio"
  "$clients/mstrio/bin/pip" install --quiet --disable-pip-version-check --no-deps -r tests/clients/mstrio.txt
  cp tests/clients/mstrio.txt "$clients/mstrio/.fetched"
fi

if ! fetched schemathesis schemathesis.txt; then
  echo "setup: fetching schemathesis into $clients/schemathesis"
  rm -rf "$clients/schemathesis"
  python3 -m venv "$clients/schemathesis"
  "$clients/schemathesis/bin/pip" install --quiet --disable-pip-version-check --no-deps -r tests/clients/schemathesis.txt
  cp tests/clients/schemathesis.txt "$clients/schemathesis/.fetched"
fi

if ! fetched node package-lock.json; then
  echo "setup: fetching the JavaScript clients into $clients/node"
  rm -rf "$clients/node"
  mkdir -p "$clients/node"
  cp tests/clients/package.json tests/clients/package-lock.json "$clients/node/"
  npm ci --prefix "$clients/node" --ignore-scripts --no-audit --no-fund --loglevel=error
  cp tests/clients/package-lock.json "$clients/node/.fetched"
fi
# Unpacked and not installed: the package would bring a web server that starts at once.
if [ ! -d "$clients/simplesamlphp/usr" ]; then
  echo "setup: fetching SimpleSAMLphp into $clients/simplesamlphp"
  rm -rf "$clients/simplesamlphp"
  mkdir -p "$clients/simplesamlphp"
  (
    cd "$clients/simplesamlphp"
    # A machine that had everything else may never have heard what there is.
    apt-get download -qq simplesamlphp 2>/dev/null || {
      as_root apt-get update -qq
      apt-get download -qq simplesamlphp
    }
    dpkg-deb -x simplesamlphp_*.deb .
    rm simplesamlphp_*.deb
  )
fi
# Their packages want a hundred others that no test needs: only the bundle is taken, by its checksum.
if ! fetched older older_sdks.sha512; then
  echo "setup: fetching older Embed SDKs into $clients/older"
  list=$(realpath tests/clients/older_sdks.sha512)
  rm -rf "$clients/older"
  mkdir -p "$clients/older"
  (
    cd "$clients/older"
    for version in $(sed -n 's/.*-sdk-\(.*\)\.tgz$/\1/p' "$list"); do
      npm pack --silent "@thoughtspot/visual-embed-sdk@$version" >/dev/null
      mkdir "$version"
    done
    sha512sum --check --quiet "$list"
    for version in */; do
      tar -xzf "thoughtspot-visual-embed-sdk-${version%/}.tgz" -C "$version" --strip-components=2 package/dist/tsembed.es.js
    done
  )
  cp tests/clients/older_sdks.sha512 "$clients/older/.fetched"
fi
echo "setup: everything is there"
