# Sourced: the images' names and contents, and buildah as it runs without a container engine.
. "$(dirname "${BASH_SOURCE[0]}")/../cluster/env.sh"

images=$repo/hack/images
archives=$cache/images
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$repo/pyproject.toml")
litellm_version=1.106.2
core_images=(pause coredns)                                     # what a cluster needs to be one
product_images=(operator locust engine mock probe prometheus litellm)

# For an image's name: its reference, the folder that it is built in, its Dockerfile, and what it is made of.
reference() {
  case $1 in
    pause) echo localhost/gatebench/pause:1 ;;
    litellm) echo "$registry/litellm:$litellm_version" ;;
    *) echo "$registry/$1:$version" ;;
  esac
}

context() {
  case $1 in
    operator) echo "$repo" ;;
    pause | coredns | prometheus) echo "$images/$1" ;;
    *) echo "$repo/loadtest-images/$1" ;;
  esac
}

# Programs that are built beforehand and copied into an image of nothing else.
program() {
  case $1 in
    pause)
      (cd "$images/pause" && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$cache/bin/pause" .)
      echo "$cache/bin/pause"
      ;;
    coredns | prometheus) readlink -f "$state/bin/$1" ;;
  esac
}

sources() { # the files of an image's content, relative to its context; tests and notes are none of it
  case $1 in
    operator) (cd "$repo" && find Dockerfile pyproject.toml LICENSE requirements/operator.txt operator analysis -type f) ;;
    *) (cd "$(context "$1")" && find . -type f -not -path './tests/*' -not -name '*_test.go') ;;
  esac | grep -vE '(^|/)(__pycache__|\.[a-z]+_cache)/|\.pyc$|\.egg-info/' | LC_ALL=C sort
}

check_image() { # name
  [[ " ${core_images[*]} ${product_images[*]} " == *" $1 "* ]] || die "no image is called $1; there are: ${core_images[*]} ${product_images[*]}"
  [ -e "$(context "$1")/Dockerfile" ] || die "image $1: there is no $(context "$1")/Dockerfile"
}

archive() { # name: the file that holds this content of the image, built or not
  local dir program
  local -a files
  dir=$(context "$1")
  program=$(program "$1")
  mapfile -t files < <(sources "$1")
  (
    cd "$dir"
    echo "$archives/$1-$(content_hash "$(reference "$1")" "${files[@]}" -- "${files[@]}" "$images/bases.sh" ${program:+"$program"}).tar"
  )
}

storage_driver() { # vfs copies every layer whole, but works where overlay cannot be mounted
  local dir=$cache/containers/probe
  [ ! -e "$cache/containers/driver" ] || { cat "$cache/containers/driver"; return; }
  mkdir -p "$dir"/{lower,upper,work,merged}
  if mount -t overlay overlay -o "lowerdir=$dir/lower,upperdir=$dir/upper,workdir=$dir/work" "$dir/merged" 2>/dev/null; then
    umount "$dir/merged"
    echo overlay >"$cache/containers/driver"
  else
    echo vfs >"$cache/containers/driver"
  fi
  rm -rf "$dir"
  cat "$cache/containers/driver"
}

# Its storage is in the cache: nothing of ours goes into the machine's own.
buildah() {
  BUILDAH_ISOLATION=chroot command buildah --storage-driver "$(storage_driver)" \
    --root "$cache/containers/root" --runroot "$cache/containers/run" "$@"
}
