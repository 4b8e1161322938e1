#!/bin/sh
# Takes jobs off a list of Redis, one after the other; a job is one request to jobquake.
# "safe": a job moves to a list of this worker's while it runs, and what a worker has that was
# silent for 20 s goes back. "careless": a job is nowhere while it runs. "lines": the same, and the
# job does its own work, and reports by lines.
set -u
kind=$1
cli="redis-cli -h $HOST -p $PORT"
mine="running-$$-$(cut -d' ' -f22 /proc/$$/stat)"
trap 'exit 0' TERM
report() { echo "{\"job\": \"$job\", \"says\": \"$1\"}" > "$JOBQUAKE_REPORTS"; }
while true; do
    if [ "$kind" = safe ]; then
        $cli SET "alive:$mine" 1 EX 20 >/dev/null
        for list in $($cli KEYS 'running-*'); do
            [ "$($cli EXISTS "alive:$list")" = 1 ] && continue
            while [ -n "$($cli LMOVE "$list" jobs RIGHT RIGHT)" ]; do :; done
        done
        job=$($cli BLMOVE jobs "$mine" RIGHT LEFT 5)
    else
        job=$($cli BRPOP jobs 5 | tail -1)
    fi
    [ -n "$job" ] || continue
    if [ "$kind" = lines ]; then
        report began
        echo "$job" >> "$FOLDER/paid"
        report returned
        continue
    fi
    curl -s -f -X POST "$JOBQUAKE_JOBS/$job" >/dev/null || $cli RPUSH failed "$job" >/dev/null
    [ "$kind" = careless ] || $cli LREM "$mine" 1 "$job" >/dev/null
done
