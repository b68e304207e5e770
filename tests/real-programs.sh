#!/usr/bin/env bash
# Records real programs, verifies every tape and replays it: no request may fail that did not fail for the program itself.
#
#   tests/real-programs.sh               all programs that are installed
#   tests/real-programs.sh git redis     only these
#
# HEAPTAPE names the binary under test; otherwise it is target/release/heaptape, or the one in PATH.
# Exits with 0 when all is well, 1 when a program, a tape or a replay failed, 2 for wrong usage. What is not installed is named.
set -u -o pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
if [ -z "${HEAPTAPE:-}" ]; then
    HEAPTAPE=$repository/target/release/heaptape
    [ -x "$HEAPTAPE" ] || HEAPTAPE=$(command -v heaptape) || {
        echo "no heaptape: build it with cargo build --release, or name it in HEAPTAPE" >&2
        exit 2
    }
fi

# Programs that the issue of recording is about, then others that do unusual things.
all=(python gcc git sqlite redis pipeline merged make perl node java)

# What each needs, and the command of a shell that is recorded. It must end with 0, and make 10,000 events or more.
needs() {
    case $1 in
    python) echo python3 ;;
    gcc) echo g++ ;;
    git) echo git ;;
    sqlite) echo sqlite3 ;;
    redis) echo redis-server redis-benchmark redis-cli ;;
    pipeline | merged) echo seq sort uniq awk ;;
    make) echo make cc ;;
    perl) echo perl ;;
    node) echo node ;;
    java) echo java ;;
    esac
}

command_of() {
    case $1 in
    python) echo 'python3 threads.py' ;;
    gcc) echo 'g++ -O2 -o program program.cpp && ./program' ;;
    git)
        echo "git init -q r && cd r && cp -r '$repository/src' . && git add . &&
            git -c user.name=a -c user.email=b commit -qm first && git log --stat >/dev/null &&
            git repack -adq && git gc -q && git fsck"
        ;;
    sqlite)
        echo "sqlite3 x.db 'create table t(a integer primary key, b text); create index i on t(b);
            with recursive c(x) as (select 1 union all select x+1 from c where x<100000)
            insert into t select x, hex(randomblob(20)) from c;
            select count(*), max(b) from t; delete from t where a % 3 = 0; vacuum;'"
        ;;
    redis)
        echo 'redis-server --unixsocket "$PWD/r.sock" --port 0 --save "" --daemonize no >redis.log & server=$!
            for i in $(seq 100); do redis-cli -s "$PWD/r.sock" ping >/dev/null 2>&1 && break; sleep 0.1; done
            redis-benchmark -s "$PWD/r.sock" -q -n 20000 -c 20 -t set,get,lpush,lrange_100,hset
            redis-cli -s "$PWD/r.sock" shutdown nosave; wait $server'
        ;;
    pipeline | merged)
        echo 'for n in 1 2 3 4 5 6; do
                seq $n 20000 | sort -R | sort -n | uniq -c |
                    awk "{ s[\$2 % 997] += \$2 } END { for (k in s) print s[k], k }" |
                    while read -r sum key; do [ "$key" -lt 300 ] && echo "$key $sum"; done | sort | head -3
            done | tee sums | cksum && [ "$(wc -l <sums)" = 18 ]'
        ;;
    make) echo 'make -j4 -f many.mk' ;;
    perl)
        echo "perl -e 'my %h; for my \$i (1 .. 60000) { \$h{\"k\" . \$i % 9999} .= join(\",\", 1 .. \$i % 7); }
            for (1 .. 3) { my \$p = fork // die; if (!\$p) { my @a = sort keys %h; exit 0 } waitpid \$p, 0; die if \$? }
            print scalar(keys %h), \"\\n\"'"
        ;;
    node)
        echo "node -e 'const {Worker} = require(\"worker_threads\");
            const text = \"let m = new Map(); for (let i = 0; i < 60000; i++) m.set(i, Buffer.alloc(i % 3000)); JSON.stringify([...m.keys()])\";
            for (let n = 0; n < 3; n++) new Worker(text, {eval: true});'"
        ;;
    java) echo 'java Sorting.java' ;;
    esac
}

# Files that the commands work on.
sources() {
    cat >threads.py <<'END'
import json, threading

def work(number):
    kept = []
    for i in range(20000):
        kept.append(json.dumps({"n": i, "text": "x" * (i % 700)}))
        if len(kept) > 500:
            kept.pop(0)

threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
END
    cat >program.cpp <<'END'
#include <map>
#include <regex>
#include <string>
#include <vector>
int main() {
    std::map<std::string, std::vector<int>> m;
    m["a"].push_back(1);
    return std::regex_match("aab", std::regex("a+b")) ? 0 : (int)m.size();
}
END
    {
        echo 'all: program-1 program-2 program-3 program-4 program-5 program-6'
        printf 'program-%%: ; printf '\''\\043include <stdio.h>\\nint main(void) { return puts("%%") < 0; }\\n'\'' >$@.c && cc -O1 -o $@ $@.c && ./$@\n'
    } >many.mk
    cat >Sorting.java <<'END'
import java.util.*;
public class Sorting {
    public static void main(String[] arguments) throws Exception {
        List<Thread> threads = new ArrayList<>();
        for (int n = 0; n < 3; n++) {
            Thread thread = new Thread(() -> {
                TreeMap<String, byte[]> map = new TreeMap<>();
                for (int i = 0; i < 50000; i++) map.put("key " + i % 5000, new byte[i % 500]);
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) thread.join();
    }
}
END
}

# The number of a field in JSON that has one field a line: only the outermost object's when the depth is 2.
field() { # FILE FIELD DEPTH
    sed -n "s/^ \{$3\}\"$2\": \([0-9]*\),\{0,1\}\$/\1/p" "$1" | head -1
}

# Records one program, verifies and replays its tapes, and tells what came of it.
try() { # NAME
    local name=$1 begin=$SECONDS need tape events=0 failed=0 refused=0 tapes=0 follow=separate
    for need in $(needs "$name"); do
        command -v "$need" >/dev/null || {
            echo "$name: NOT TESTED, $need is not installed"
            return 0
        }
    done
    mkdir "$place/$name" && cd "$place/$name" && sources || return 1
    [ "$name" = merged ] && follow=merge
    if ! "$HEAPTAPE" record -o t.tape --follow $follow -- bash -c "$(command_of "$name")" >out 2>err </dev/null; then
        echo "$name: FAILED while it was recorded"
        tail -n 20 out err
        return 1
    fi
    for tape in *.tape; do
        if ! "$HEAPTAPE" verify "$tape" >verified 2>&1; then
            echo "$name: FAILED, $tape is not sound"
            cat verified
            return 1
        fi
        if ! { "$HEAPTAPE" info "$tape" --json >info.json && "$HEAPTAPE" replay "$tape" -a system -n 1 --json replay.json >replayed; } 2>said; then
            echo "$name: FAILED, $tape is not replayed"
            cat said
            return 1
        fi
        local here was
        here=$(field replay.json failed 6)
        was=$(sed -n '/"kinds"/,/}/s/^ *"failed": \([0-9]*\).*/\1/p' info.json | head -1)
        if [ -z "$here" ] || [ -z "$was" ] || [ "$here" -gt "$was" ]; then
            echo "$name: FAILED, replaying $tape refused ${here:-?} requests, the program ${was:-?}"
            return 1
        fi
        failed=$((failed + here)) refused=$((refused + was)) tapes=$((tapes + 1))
        events=$((events + $(field info.json events 2)))
    done
    if [ "$events" -lt 10000 ]; then
        echo "$name: FAILED, $events events on $tapes tapes are too few to mean anything"
        return 1
    fi
    printf '%-9s %4d tapes %10d events, sound; replayed, refused requests: %d (the program had %d); %d s\n' \
        "$name" $tapes $events $failed $refused $((SECONDS - begin))
}

for name in "$@"; do
    case " ${all[*]} " in
    *" $name "*) ;;
    *)
        echo "$name is none of: ${all[*]}" >&2
        exit 2
        ;;
    esac
done
[ $# -gt 0 ] || set -- "${all[@]}"

place=$(mktemp -d) || exit 1
trap 'cd / && rm -rf "$place"' EXIT
bad=0
for name in "$@"; do
    (try "$name") || bad=1
done
exit $bad
