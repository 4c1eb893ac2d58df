#!/usr/bin/env bash
# How fast the mock is on one core, against two yardsticks that are measured in the same run: a bare fasthttp server
# under wrk, and what Locust can send from one core. Servers run on CPU 1, what sends on CPU 0, over loopback.
# Exits 1 where the mock is below half of the first, or below ten times the second. Usage: [SECONDS_EACH=5] bench.sh
. "$(dirname "$0")/cluster/env.sh"

each=${SECONDS_EACH:-5}
work=$repo/build/bench
chat=http://127.0.0.1:%s/v1/chat/completions
servers=()
trap '[ ${#servers[@]} = 0 ] || kill "${servers[@]}" 2>/dev/null || true' EXIT

serve() { # port, command…; with one core, and knowing that
  local port=$1 end=$((SECONDS + 10))
  shift
  GOMAXPROCS=1 taskset -c 1 "$@" >"$work/server-$port.log" 2>&1 &
  servers+=($!)
  until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    [ $SECONDS -lt $end ] || die "nothing listens on port $port; read $work/server-$port.log"
    sleep 0.1
  done
}

under_wrk() { # port: requests a second
  # shellcheck disable=SC2059
  taskset -c 0 wrk -t1 -c32 -d"${each}s" -s "$repo/hack/bench/chat.lua" "$(printf $chat "$1")" >"$work/wrk-$1.log" 2>&1 ||
    die "wrk failed; read $work/wrk-$1.log"
  ! grep -E 'Non-2xx|Socket errors' "$work/wrk-$1.log" >&2 || die "not every answer was good; read $work/wrk-$1.log"
  awk '/^Requests\/sec/ {printf "%d", $2}' "$work/wrk-$1.log"
}

under_locust() { # port: requests a second
  taskset -c 0 "$repo/.venv/bin/locust" -f "$repo/hack/bench/locustfile.py" --headless --only-summary --json \
    -u 32 -r 32 -t "$((each * 2))s" -H "http://127.0.0.1:$1" >"$work/locust.json" 2>"$work/locust.log" ||
    die "Locust failed; read $work/locust.log"
  jq -r '.[0] | .num_requests / (.last_request_timestamp - .start_time) | floor' "$work/locust.json"
}

verdict() { # what, value, times, yardstick
  if awk "BEGIN {exit !($2 >= $3 * $4)}"; then printf '%-46s ok\n' "$1"; else printf '%-46s NOT REACHED\n' "$1"; code=1; fi
}

"$hack/packages.sh" wrk
"$repo/hack/python.sh"
[ "$(nproc)" -gt 1 ] || die "one CPU only: what sends and what serves would share it"
[ ! -e "$runtime/owner" ] || say "warning: the embedded cluster runs, and disturbs: make cluster-down first"
mkdir -p "$work"
go -C "$repo/loadtest-images/mock" build -trimpath -o "$work/mock" .
go -C "$repo/hack/bench/bare" build -trimpath -o "$work/bare" .

code=0
serve 18080 "$work/mock" --listen 127.0.0.1:18080 --latency 0s
curl -sf --noproxy '*' -H 'Content-Type: application/json' -d '{"model":"m","messages":[{"role":"user","content":"hi"}]}' \
  "$(printf $chat 18080)" >"$work/answer.json" || die "the mock does not answer; read $work/server-18080.log"
serve 18081 "$work/bare" --listen 127.0.0.1:18081 --body "$work/answer.json"
bare=$(under_wrk 18081)
mock=$(under_wrk 18080)
locust=$(under_locust 18080)
printf '\nrequests a second, one core, chat completions of %d bytes\n' "$(wc -c <"$work/answer.json")"
printf '%-22s %8d\n' "fasthttp, under wrk" "$bare" "mock, under wrk" "$mock" "Locust, one process" "$locust"
printf '\n'
verdict "mock at least half of fasthttp" "$mock" 0.5 "$bare"
verdict "mock at least ten times one Locust process" "$mock" 10 "$locust"
exit $code
