// Serve the Firestore emulator on a free loopback port, print the port, and end when standard input does.
// The package's own start() would listen on every interface.
const { createRequire } = require("node:module");
const path = require("node:path");

const load = createRequire(path.join(process.argv[2], "package.json"));
const { FirestoreServer } = load("@firestore-emulator/server");
const grpc = load("@grpc/grpc-js");

new FirestoreServer().server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${port}\n`);
});
process.stdin.resume().on("end", () => process.exit(0));
