#!/usr/bin/env bash
# Builds images into archives, once for each content. Usage: build.sh NAME…
. "$(dirname "$0")/common.sh"

# A build may use this machine's package settings, certificates and Go caches: mounted for the build, in no image.
build_mounts() {
  local dir=$cache/containers/mounts ca
  mkdir -p "$dir"
  if ca=$(ca_bundle); then echo "--volume=$ca:/etc/ssl/certs/ca-certificates.crt:ro"; fi
  { echo "[global]"
    { python3 -m pip config list 2>/dev/null || true; } | sed -nE "s/^(global|:env:)\.([a-z-]+)='(.*)'$/\2 = \3/p" | grep -vE '^(cert|find-links|cache-dir|require-virtualenv) ' || true
    echo "cert = /etc/ssl/certs/ca-certificates.crt"; } >"$dir/pip.conf"
  echo "--volume=$dir/pip.conf:/etc/pip.conf:ro"
  if go version >/dev/null 2>&1; then
    mkdir -p "$(go env GOMODCACHE)" "$(go env GOCACHE)"
    go env GOPROXY GONOSUMDB GONOSUMCHECK GOSUMDB GOPRIVATE |
      paste -d= <(printf '%s\n' GOPROXY GONOSUMDB GONOSUMCHECK GOSUMDB GOPRIVATE) - | grep -v '=$' >"$dir/goenv"
    echo "--volume=$dir/goenv:/root/.config/go/env:ro"
    echo "--volume=$(go env GOMODCACHE):/go/pkg/mod:rw"
    echo "--volume=$(go env GOCACHE):/root/.cache/go-build:rw"
  fi
}

ca_bundle() {
  local f
  for f in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
    [ -s "$f" ] && readlink -f "$f" && return
  done
  return 1
}

copy_context() { # name, folder: only what counts is seen by the build
  local file program
  while read -r file; do
    mkdir -p "$2/$(dirname "$file")"
    cp -p "$(context "$1")/$file" "$2/$file"
  done < <(sources "$1")
  program=$(program "$1")
  [ -z "$program" ] || cp "$program" "$2/$1"
}

build() { # name
  local name=$1 archive work log=$archives/$1.log
  check_image "$name"
  archive=$(archive "$name")
  if [ ! -s "$archive" ]; then
    say "building image $(reference "$name")"
    "$images/bases.sh" "$(context "$name")/Dockerfile"
    work=$cache/containers/context-$name
    rm -rf "$work"
    mkdir -p "$work"
    copy_context "$name" "$work"
    buildah_build "$name" "$work" >"$log" 2>&1 </dev/null || { tail -20 "$log" >&2; die "image $name does not build; read $log"; }
    buildah push -q "$(reference "$name")" "oci-archive:$archive.part:$(reference "$name")" >>"$log" 2>&1 || die "image $name cannot be packed; read $log"
    mv "$archive.part" "$archive"
    rm -rf "$work"
    prune "$name"
  fi
  mkdir -p "$state/images"
  ln -sfn "$archive" "$state/images/$name.tar"
}

buildah_build() { # name, context
  local -a mounts
  mapfile -t mounts < <(build_mounts)
  buildah build --pull-never --layers --format docker "${mounts[@]}" -t "$(reference "$1")" "$2"
}

prune() { # name: of the archives keep the two newest; of the layers all, until they are too many
  ls -t "$archives/$1"-*.tar | tail -n +3 | xargs -r rm --
  if [ "$(du -s --block-size=1G "$cache/containers/root" | cut -f1)" -gt 12 ]; then
    buildah rmi --all --force >/dev/null 2>&1 || true
  fi
}

[ $# -gt 0 ] || set -- "${product_images[@]}"
need_root "building images"
renice -n 10 $$ >/dev/null
"$hack/packages.sh"
mkdir -p "$archives" "$cache/containers" "$cache/bin"
exec 9>"$cache/containers/.building"
flock 9
for name in "$@"; do build "$name"; done
