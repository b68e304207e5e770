import threading, random, json
def work(seed):
    draw = random.Random(seed)
    kept = {}
    for i in range(15000):
        key = draw.randrange(5000)
        kept[key] = {"id": key, "name": "n" * draw.randrange(1, 400), "list": [str(j) for j in range(draw.randrange(12))]}
        if i % 3 == 0:
            kept.pop(draw.randrange(5000), None)
        if i % 2000 == 0:
            json.loads(json.dumps(kept))
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
