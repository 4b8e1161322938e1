#!/bin/sh
# Takes jobs off a list of Redis, one after the other; each plays what the plan says.
# "safe": a job moves to a list of this worker's while it runs, and a job whose worker is silent
# for 20 s goes back. "careless": a job is nowhere while it runs.
set -u
kind=$1
cli="redis-cli -h $HOST -p $PORT"
mine="running-$$-$(cut -d' ' -f22 /proc/$$/stat)"
trap 'stopping=yes' TERM
stopping=
beat() { $cli SET "alive:$1" 1 EX 20 >/dev/null; }
while [ -z "$stopping" ]; do
    if [ "$kind" = safe ]; then
        beat "$mine"
        for list in $($cli KEYS 'running-*'); do
            [ "$($cli EXISTS "alive:$list")" = 1 ] && continue
            while [ -n "$($cli LMOVE "$list" jobs RIGHT RIGHT)" ]; do :; done
        done
        job=$($cli BLMOVE jobs "$mine" RIGHT LEFT 1)
    else
        job=$($cli BRPOP jobs 1 | tail -1)
    fi
    [ -n "$job" ] || continue
    beat "$mine"
    if curl -s -f -X POST "$JOBQUAKE_JOBS/$job" >/dev/null; then
        [ "$kind" = safe ] && $cli LREM "$mine" 1 "$job" >/dev/null
    elif [ "$kind" = safe ]; then
        $cli RPUSH failed "$job" >/dev/null
        $cli LREM "$mine" 1 "$job" >/dev/null
    fi
done
