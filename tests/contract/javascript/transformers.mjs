// @huggingface/transformers, which is told of the mirror by `env.remoteHost` alone.
import { AutoConfig, AutoTokenizer, env } from "@huggingface/transformers";

const { remoteHost, cacheDir, model, revision } = JSON.parse(process.argv[1]);
env.remoteHost = remoteHost;
env.cacheDir = cacheDir;
env.allowLocalModels = false;
try {
  const config = await AutoConfig.from_pretrained(model, { revision });
  const tokenizer = await AutoTokenizer.from_pretrained(model, { revision });
  const { input_ids } = await tokenizer("hello world");
  const value = [config.model_type, config.hidden_size, Array.from(input_ids.data, Number)];
  console.log("ANSWER " + JSON.stringify({ value, error: null }));
} catch (error) {
  console.log("ANSWER " + JSON.stringify({ value: null, error: String(error) }));
}
