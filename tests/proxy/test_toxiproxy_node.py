"""A client of another language, unchanged, drives our Toxiproxy as it drives the real one.

It is the npm package `toxiproxy-node-client`, which `tools/toxiproxy` puts into `build/node`.
"""

from __future__ import annotations

import json
import shutil
import subprocess

from support.toxiproxies import BUILD, HOST, Api, absent

SCRIPT = """
const { Toxiproxy } = require("toxiproxy-node-client");
const net = require("net");

function answer(listen) {  // all that an upstream says until it ends
  return new Promise((resolve) => {
    const parts = [];
    const socket = net.connect(Number(listen.split(":").pop()), "127.0.0.1");
    socket.on("data", (part) => parts.push(part));
    socket.on("error", (error) => resolve(error.code));
    socket.on("close", () => resolve(Buffer.concat(parts).toString()));
  });
}

async function main() {
  const told = {};
  const upstream = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.end("0123456789");
  });
  await new Promise((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const server = new Toxiproxy(process.argv[1]);
  told.version = JSON.parse(await server.getVersion()).version;
  const to = `127.0.0.1:${upstream.address().port}`;
  const proxy = await server.createProxy({ name: "node", listen: "127.0.0.1:0", upstream: to });
  told.whole = await answer(proxy.listen);
  const toxic = await proxy.addToxic({ type: "limit_data", attributes: { bytes: 4 } });
  told.toxic = toxic.toJson();
  told.cut = await answer(proxy.listen);
  const changed = await toxic.update({ attributes: { bytes: 6 } });
  told.changed = changed.attributes;
  told.longer = await answer(proxy.listen);
  told.found = (await proxy.getToxic("limit_data_downstream")).attributes;
  await toxic.remove();
  told.again = await answer(proxy.listen);
  told.disabled = (await proxy.update({ enabled: false })).enabled;
  told.refused = await answer(proxy.listen);
  await server.reset();
  told.reset = (await server.get("node")).enabled;
  const made = await server.populate([{ name: "second", listen: "127.0.0.1:0", upstream: to }]);
  told.populated = Object.keys(made);
  told.all = Object.keys(await server.getAll()).sort();
  told.error = await server.createProxy({ name: "node", upstream: to }).catch((e) => e.message);
  await (await server.get("second")).remove();
  await proxy.remove();
  told.left = Object.keys(await server.getAll());
  upstream.close();
  console.log(JSON.stringify(told));
}
main().catch((error) => { console.error(error); process.exit(1); });
"""


def test_the_client_for_node_drives_both_servers(api: Api) -> None:
    node = shutil.which("node")
    if node is None or not (BUILD / "node" / "node_modules" / "toxiproxy-node-client").exists():
        absent("the package toxiproxy-node-client in build/node", "npm")
    done = subprocess.run(
        [str(node), "-e", SCRIPT, api.url],
        cwd=BUILD / "node",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == {
        "version": "2.12.0",
        "whole": "0123456789",
        "toxic": {
            "attributes": {"bytes": 4},
            "name": "limit_data_downstream",
            "stream": "downstream",
            "toxicity": 1,
            "type": "limit_data",
        },
        "cut": "0123",
        "changed": {"bytes": 6},
        "longer": "012345",
        "found": {"bytes": 6},
        "again": "0123456789",
        "disabled": False,
        "refused": "ECONNREFUSED",
        "reset": True,
        "populated": ["second"],
        "all": ["node", "second"],
        "error": "Request failed with status code 409",
        "left": [],
    }
    assert api.url.startswith(f"http://{HOST}:")
