#!/usr/bin/env bash
# Makes local stand-ins of the base images that our Dockerfiles name, from Debian's packages and this machine's Go, so
# that the images build where no registry can be reached. Usage: bases.sh DOCKERFILE…   (those that they need)
. "$(dirname "$0")/common.sh"

stand_in() { # short name: buildah looks for it under localhost/ before it thinks of any registry
  echo "localhost/$1"
}

have() { buildah inspect --type image "$1" >/dev/null 2>&1; }

python_base() { # name
  local root=$cache/containers/debian suite=${1##*-}
  say "making a stand-in for $1 (about a minute)"
  rm -rf "$root"
  nice debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates "$suite" "$root" \
    >"$cache/containers/debootstrap.log" 2>&1 </dev/null || die "debootstrap failed; read $cache/containers/debootstrap.log"
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/archives/*.deb "$root"/usr/lib/python3*/EXTERNALLY-MANAGED
  rm -rf "$root"/usr/share/{doc,man,locale}/*
  ln -s ../../bin/python3 "$root/usr/local/bin/python"
  chroot "$root" python3 --version | grep -q "Python ${1:7:4}" || die "Debian $suite has another Python than $1"
  from_folder "$1" "$root" --cmd python3
  rm -rf "$root"
}

from_folder() { # name, folder, configuration…
  local name=$1 container
  container=$(buildah from scratch)
  buildah add -q "$container" "$2" / >/dev/null
  shift 2
  buildah config "$@" "$container"
  buildah commit -q --rm "$container" "$(stand_in "$name")" >/dev/null
}

golang_base() { # name; a Debian with this machine's toolchain
  local container python=python:3.11-slim-${1##*-} wanted=${1#golang:}
  [[ $(go env GOVERSION) == go"${wanted%%-*}"* ]] || die "$1 is wanted, and this machine has $(go env GOVERSION)"
  need "$python"
  say "making a stand-in for $1"
  container=$(buildah from --pull-never "$(stand_in "$python")")
  buildah add -q "$container" "$(go env GOROOT)" /usr/local/go >/dev/null
  buildah config --env GOPATH=/go --env GOTOOLCHAIN=local --env PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    --workingdir /go "$container"
  buildah commit -q --rm "$container" "$(stand_in "$1")" >/dev/null
}

need() { # name
  ! have "$(stand_in "$1")" || return 0
  case $1 in
    scratch) ;;
    python:3.11-slim-*) python_base "$1" ;;
    golang:*) golang_base "$1" ;;
    *) die "there is no local stand-in for the base image $1: see $0" ;;
  esac
}

need_root "making images"
# Names given to a stage are no images.
for file in "$@"; do
  stages=$(sed -n 's/^FROM .* [Aa][Ss] \(.*\)$/\1/p' "$file")
  for base in $(sed -n 's/^FROM \(--[^ ]* \)*\([^ ]*\).*/\2/p' "$file" | sort -u); do
    grep -qxF "$base" <<<"$stages" || [ "$base" = scratch ] || need "$base"
  done
done
