//! The programs, each with a script that prints what does not change from run to run.

/// One program.
pub struct Case {
    /// Its name here.
    pub name: &'static str,
    /// What must be on the `PATH`.
    pub needs: &'static [&'static str],
    /// The package that brings it.
    pub package: &'static str,
    /// Run by `sh` in an empty folder. Ends with an error if anything in it does.
    pub script: &'static str,
}

/// All of them.
pub const CASES: &[Case] = &[
    Case {
        name: "shell",
        needs: &["bash", "awk", "sed", "sort"],
        package: "bash coreutils gawk sed",
        script: SHELL,
    },
    Case {
        name: "python3",
        needs: &["python3"],
        package: "python3",
        script: PYTHON,
    },
    Case {
        name: "git",
        needs: &["git"],
        package: "git",
        script: GIT,
    },
    Case {
        name: "g++",
        needs: &["g++"],
        package: "g++",
        script: GXX,
    },
    Case {
        name: "sqlite3",
        needs: &["sqlite3"],
        package: "sqlite3",
        script: SQLITE,
    },
    Case {
        name: "zstd",
        needs: &["zstd"],
        package: "zstd",
        script: ZSTD,
    },
    Case {
        name: "xz",
        needs: &["xz"],
        package: "xz-utils",
        script: XZ,
    },
    Case {
        name: "redis",
        needs: &["redis-server", "redis-benchmark", "redis-cli"],
        package: "redis",
        script: REDIS,
    },
    Case {
        name: "node",
        needs: &["node"],
        package: "nodejs",
        script: NODE,
    },
];

const SHELL: &str = r#"
set -e
exec bash -e -o pipefail -c '
seq 1 20000 | awk "{ print \$1 % 97, \$1 }" | sort -k1,1n -k2,2nr | sed -n "1~500p" | md5sum
mkdir files
for n in $(seq 1 60); do seq $n $((n * 50)) | tr 0-9 k-t > files/f$n; done
find files -type f | sort | xargs cat | fold -w 3 | sort | uniq -c | sort -k1,1nr -k2 | sed -n 1,20p
declare -A counts
for n in $(seq 1 3000); do counts[$((n % 13))]+=x; done
for key in "${!counts[@]}"; do echo "$key ${#counts[$key]}"; done | sort -n
for n in 1 2 3 4 5 6 7 8; do (sum=0; for m in $(seq 1 500); do sum=$((sum + m * n)); done; echo "$n $sum") & done | sort -n
wait
tar cf - files | gzip -n9 | gunzip | tar tf - | sort | md5sum
'
"#;

const PYTHON: &str = r#"
set -e
cat > work.py <<'END'
import collections, concurrent.futures, gc, hashlib, json, multiprocessing, re, sys, threading, zlib

def churn(seed):
    kept, state = {}, seed
    for step in range(20000):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        key = state >> 40 & 1023
        kept[key] = bytes([state & 255]) * (state >> 33 & 4095)
        if step % 7 == 0:
            kept.pop(key ^ 1, None)
    return hashlib.sha256(b"".join(kept[key] for key in sorted(kept))).hexdigest()

def square(n):
    return n * n, len(str(3 ** (n * 50)))

with concurrent.futures.ThreadPoolExecutor(8) as pool:
    for line in pool.map(churn, range(1, 17)):
        print(line)
for wave in range(20):
    threads = [threading.Thread(target=churn, args=(n,)) for n in range(2)] if wave < 2 else \
              [threading.Thread(target=lambda: [str(n) for n in range(2000)]) for _ in range(20)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
with multiprocessing.get_context("fork").Pool(4) as pool:
    print(pool.map(square, range(60)))
text = json.dumps([{"n": n, "s": "x" * (n % 300), "l": list(range(n % 50))} for n in range(20000)])
print(len(text), zlib.crc32(text.encode()), sum(len(one["l"]) for one in json.loads(text)))
print(collections.Counter(re.findall(r'"[a-z]+"', text)).most_common(3))
gc.collect()
END
python3 work.py
"#;

const GIT: &str = r#"
set -e
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE="1700000000 +0000" GIT_COMMITTER_DATE="1700000000 +0000" GIT_CONFIG_NOSYSTEM=1
git init -q -b trunk one
cd one
for n in $(seq 1 25); do
    mkdir -p d$((n % 5))
    seq $n $((n * 300)) > d$((n % 5))/f$n
    head -c $((n * 20000)) /dev/zero | tr '\0' "$(printf "\\$(printf %o $((65 + n % 26)))")" > large$((n % 3))
    git add -A && git commit -qm "change $n"
done
git log --stat --format='%H %s'
git diff HEAD~10 | md5sum
git -c gc.auto=0 -c pack.threads=4 gc -q --aggressive
git fsck --full
git clone -q . ../two && cd ../two
git checkout -q -b side HEAD~5 && seq 1 9 > side && git add side && git commit -qm side
git merge -q -m merge trunk && git rev-parse HEAD
git grep -c 1234 | sort | md5sum
git blame d1/f21 | md5sum
git archive HEAD | md5sum
"#;

const GXX: &str = r#"
set -e
cat > a.cpp <<'END'
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>
template <int N> struct F { static constexpr long long value = F<N - 1>::value + F<N - 2>::value; };
template <> struct F<0> { static constexpr long long value = 0; };
template <> struct F<1> { static constexpr long long value = 1; };
int main()
{
    std::map<std::string, std::vector<int>> words;
    std::regex word("[a-z]+");
    std::string text;
    for (int i = 0; i < 3000; i++)
        text += std::string(1 + i % 7, char('a' + i % 26)) + " ";
    for (std::sregex_iterator it(text.begin(), text.end(), word), end; it != end; ++it)
        words[it->str()].push_back((int)it->position());
    std::vector<std::thread> threads;
    std::vector<long> sums(8);
    for (int t = 0; t < 8; t++)
        threads.emplace_back([&, t] {
            std::unordered_map<int, std::shared_ptr<std::string>> kept;
            for (int i = 0; i < 50000; i++)
                kept[i * 7919 % 4001] = std::make_shared<std::string>(i % 500, 'x');
            for (auto &one : kept)
                sums[t] += (long)one.second->size();
        });
    for (auto &thread : threads)
        thread.join();
    std::ostringstream out;
    for (auto &one : words)
        out << one.first << ' ' << one.second.size() << '\n';
    std::cout << out.str() << sums[0] << ' ' << sums[7] << ' ' << F<80>::value << '\n';
}
END
g++ -std=c++17 -O2 -pipe -pthread -frandom-seed=1 -c a.cpp -o a.o
md5sum < a.o
g++ -pthread a.o -o a && ./a
g++ -std=c++17 -O0 -g -fsyntax-only a.cpp && echo checked
"#;

const SQLITE: &str = r#"
set -e
cat > work.sql <<'END'
pragma cache_size = -20000;
create table t (id integer primary key, name text, body blob);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
insert into t select i, printf('name %d', i * 7919 % 60000), zeroblob(i % 400) from n;
create index by_name on t (name);
commit;
select count(*), sum(length(body)), min(name), max(name) from t;
select name, count(*) over (order by name rows between 5 preceding and current row) from t order by name limit 20;
select a.id, b.id from t a join t b on a.name = b.name and a.id % 5000 = 0 order by 1;
select length(group_concat(name, ',')) from t;
with recursive f(a, b, n) as (select 0, 1, 0 union all select b, a + b, n + 1 from f where n < 60) select max(a) from f;
select sum(length(replace(name, 'name', 'another name'))) from t;
select json_group_array(id) from (select id from t where id % 3000 = 0 order by id);
delete from t where id % 3 = 0;
vacuum;
pragma integrity_check;
select count(*) from t;
END
sqlite3 work.db < work.sql
sqlite3 work.db .dump | md5sum
"#;

const ZSTD: &str = r#"
set -e
for n in 1 2 3 4; do seq 1 800000 | awk -v n=$n '{ print $1 * n % 99991, $1 }'; done > plain
for level in 1 3 12; do
    zstd -q -T2 -$level plain -o packed -f
    zstd -q -t packed
    zstd -q -d -c packed | md5sum
done
zstd -q -T2 --long=27 -5 -c plain | zstd -q --long=27 -d -c | md5sum
md5sum < packed
mkdir parts && split -b 200000 plain parts/p && zstd -q --train -B20000 parts/* -o dictionary --maxdict=20000
zstd -q -D dictionary parts/paa -o one && zstd -q -d -D dictionary one -c | md5sum
"#;

const XZ: &str = r#"
set -e
for n in 1 2; do seq 1 500000 | awk -v n=$n '{ print $1 * n % 99991, $1 }'; done > plain
xz -T2 -1 --block-size=1MiB -k -c plain > packed
xz -t packed
xz -d -T2 -c packed | md5sum
md5sum < packed
xz -T2 -6 -c plain | xz -d -c | md5sum
xz --robot -l packed | grep totals | cut -f 2-5
"#;

const REDIS: &str = r#"
set -e
port=$((20000 + $$ % 20000))
redis-server --port $port --bind 127.0.0.1 --save '' --appendonly no --io-threads 2 --daemonize no --logfile log --dir . --enable-debug-command yes > /dev/null &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
cli() { redis-cli -p $port "$@"; }
tries=0
until cli ping 2>/dev/null | grep -q PONG; do
    tries=$((tries + 1)); [ $tries -lt 200 ] || { cat log >&2; exit 1; }
    sleep 0.1
done
redis-benchmark -p $port -q -n 20000 -c 20 -P 8 -t set,get,incr,lpush,lrange_100,hset,sadd,zadd -r 5000 -d 200 --threads 2 > bench
tr '\r' '\n' < bench | grep -c 'requests per second'
cli flushall
cli eval "for i = 1, 30000 do redis.call('set', 'k' .. i, string.rep('v', i % 700)); redis.call('zadd', 'z', i * 7919 % 30011, 'm' .. i); redis.call('rpush', 'l' .. i % 50, i) end return redis.call('dbsize')" 0
cli debug digest
cli zrange z 0 5
cli bgsave
tries=0
until cli info persistence | grep -q rdb_bgsave_in_progress:0; do
    tries=$((tries + 1)); [ $tries -lt 600 ] || exit 1
    sleep 0.1
done
cli info persistence | tr -d '\r' | grep rdb_last_bgsave_status
cli eval "for i = 1, 30000, 2 do redis.call('del', 'k' .. i) end return redis.call('dbsize')" 0
cli debug reload
cli debug digest
cli strlen k698
cli shutdown nosave || true
wait $server
echo "ended $?"
"#;

const NODE: &str = r#"
set -e
cat > work.js <<'END'
const crypto = require('crypto'), zlib = require('zlib');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
function churn(seed) {
  const kept = new Map(); let state = seed >>> 0;
  const hash = crypto.createHash('sha256');
  for (let step = 0; step < 60000; step++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    kept.set(state >>> 20, Buffer.alloc(state % 3000, state & 255));
    if (step % 1000 === 0) hash.update(zlib.deflateSync(Buffer.concat([...kept.values()].slice(0, 50))));
    if (kept.size > 2000) kept.clear();
  }
  return hash.digest('hex');
}
if (!isMainThread) { parentPort.postMessage([workerData, churn(workerData)]); }
else {
  const all = [];
  for (let n = 1; n <= 6; n++) all.push(new Promise((done, failed) => {
    const worker = new Worker(__filename, { workerData: n });
    worker.on('message', done); worker.on('error', failed);
  }));
  Promise.all(all).then(async answers => {
    for (const answer of answers.sort()) console.log(...answer);
    const text = JSON.stringify(Array.from({ length: 50000 }, (_, n) => ({ n, s: 'x'.repeat(n % 100) })));
    const packed = await new Promise((done, failed) => zlib.brotliCompress(text, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }, (e, b) => e ? failed(e) : done(b)));
    console.log(text.length, zlib.brotliDecompressSync(packed).toString() === text, JSON.parse(text).length);
    console.log(require('child_process').execFileSync(process.execPath, ['-e', 'console.log([1,2,3].map(x => x * x))']).toString());
  });
}
END
node work.js
"#;
