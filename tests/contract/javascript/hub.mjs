// @huggingface/hub, which is told of the mirror by `hubUrl` alone.
import { downloadFile, listFiles, listModels, modelInfo, snapshotDownload, whoAmI } from "@huggingface/hub";
import { createHash } from "node:crypto";

const { verb, ...asked } = JSON.parse(process.argv[1]);
const verbs = {
  snapshot: () => snapshotDownload(asked),
  info: () => modelInfo({ ...asked, additionalFields: ["sha"] }),
  whoami: () => whoAmI(asked),
  files: async () => {
    const paths = [];
    for await (const file of listFiles(asked)) if (file.type === "file") paths.push(file.path);
    return paths;
  },
  models: async () => {
    const names = [];
    for await (const model of listModels(asked)) names.push(model.name);
    return names;
  },
  file: async () => {
    const blob = await downloadFile(asked);
    return blob && createHash("sha256").update(Buffer.from(await blob.arrayBuffer())).digest("hex");
  },
};
try {
  console.log("ANSWER " + JSON.stringify({ value: await verbs[verb](), error: null }));
} catch (error) {
  console.log("ANSWER " + JSON.stringify({ value: null, error: String(error) }));
}
