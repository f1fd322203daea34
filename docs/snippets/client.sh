#!/bin/sh
# sh client.sh [url] [calendar]: books the first free slot, then follows the calendar. Needs curl alone.
set -eu
url=${1:-http://localhost:8080}
calendar=${2:-demo}

post() { # path, key, body; the same key for every retry
    curl -sS --fail-with-body --retry 5 --retry-all-errors -H "Content-Type: application/json" \
        -H "Idempotency-Key: $2" -d "$3" "$url/api/$1"
}
key() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }
field() { grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }

# A snapshot: the slots of the next 62 days, and the cursor to go on from.
snapshot=$(curl -sS --fail-with-body "$url/api/calendars/$calendar/slots")
cursor=$(echo "$snapshot" | field cursor)
slot=$(echo "$snapshot" | grep -o '"id":"[0-9a-f-]*","start":[^}]*"bookable":true' | field id)

# Hold it while the customer decides, then book it.
hold=$(post "slots/$slot/holds" "$(key)" '{}')
proof="{\"id\":\"$(echo "$hold" | field id)\",\"token\":\"$(echo "$hold" | field token)\"}"
post "slots/$slot/bookings" "$(key)" "{\"hold\":$proof,\"customer\":{\"name\":\"Ada Lovelace\"}}"
echo

# Everything since the snapshot, as server-sent events. After a break, the last `id:` is the cursor.
curl -sSN -H "Last-Event-ID: $cursor" "$url/api/calendars/$calendar/events"
