// BullMQ at its defaults: a lock of 30 s, a look for stalled jobs every 30 s: work | enqueue
const { Queue, Worker } = require("bullmq");
const fs = require("fs");
const address = new URL(process.env.SERVER);
const connection = { host: address.hostname, port: Number(address.port), maxRetriesPerRequest: null };
if (process.argv[2] === "enqueue") {
  const queue = new Queue("q", { connection });
  queue.add("job", {}).then(() => queue.close());
} else {
  const worker = new Worker(
    "q",
    async () => {
      fs.appendFileSync(process.env.STARTS, `${performance.now() / 1000}\n`);
      await new Promise((done) => setTimeout(done, 600000));
    },
    { connection },
  );
  worker.on("ready", () => fs.appendFileSync(process.env.LOOKS, `${performance.now() / 1000}\n`));
}
