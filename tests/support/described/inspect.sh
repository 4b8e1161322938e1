#!/bin/sh
# Prints what the lists of Redis hold, as JSON.
cli="redis-cli -h $HOST -p $PORT"
{
    echo '{'
    for job in $($cli LRANGE jobs 0 -1); do echo "\"$job\": \"ready\","; done
    for list in $($cli KEYS 'running-*'); do
        for job in $($cli LRANGE "$list" 0 -1); do
            echo "\"$job\": {\"state\": \"leased\", \"where\": \"the list $list\"},"
        done
    done
    for job in $($cli LRANGE failed 0 -1); do
        echo "\"$job\": {\"state\": \"dead\", \"where\": \"the list failed\"},"
    done
    echo '"": "ready"}'
} | sed '/^"": /!b; s/"": "ready"//' | tr -d '\n' | sed 's/,}$/}/'
