// Asks a served model in each way that the openai package knows, and prints what it found as one JSON value.
import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0, timeout: 20_000 }); // address and key come from the environment
const messages = [{ role: "user", content: "What is the sky like?" }];
const weather = {
  name: "weather",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const tools = [{ type: "function", function: weather }];
const found = {};

const whole = await client.chat.completions.create({ model: "sky", messages });
found.chat = { text: whole.choices[0].message.content, usage: whole.usage.total_tokens, request: whole._request_id };

found.pieces = [];
const stream = await client.chat.completions.create({
  model: "sky",
  messages,
  stream: true,
  stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  if (chunk.choices[0]?.delta.content) found.pieces.push(chunk.choices[0].delta.content);
  if (chunk.usage) found.streamedUsage = chunk.usage.total_tokens;
}

const asked = await client.chat.completions.create({ model: "caller", messages, tools });
const turn = asked.choices[0].message;
const told = turn.tool_calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: "Rain." }));
const after = await client.chat.completions.create({ model: "sky", messages: [...messages, turn, ...told], tools });
found.tools = {
  cities: turn.tool_calls.map((call) => JSON.parse(call.function.arguments).city),
  after: after.choices[0].message.content,
};

const gathered = await client.chat.completions.stream({ model: "caller", messages, tools }).finalMessage();
found.streamedTools = gathered.tool_calls.map((call) => JSON.parse(call.function.arguments).city);

const runner = client.chat.completions.runTools({
  model: "caller",
  messages,
  tools: [{ type: "function", function: { ...weather, parse: JSON.parse, function: ({ city }) => `Rain in ${city}.` } }],
}, { maxChatCompletions: 1 });
await runner.done();
found.ran = runner.messages.filter((message) => message.role === "tool").map((message) => message.content);

const response = await client.responses.create({ model: "main", input: "Call me Ishmael." });
const next = await client.responses.create({ model: "main", input: "Who?", previous_response_id: response.id });
const kept = await client.responses.retrieve(response.id);
await client.responses.delete(response.id);
found.responses = { first: response.output_text, next: next.output_text, kept: kept.id === response.id };
const events = client.responses.stream({ model: "sky", input: "Hi" });
found.streamedResponse = (await events.finalResponse()).output_text;

const vectors = await client.embeddings.create({ model: "main", input: ["a cat", "a dog"], dimensions: 8 });
found.embeddings = vectors.data.map((item) => item.embedding.length);

found.models = [];
for await (const model of client.models.list()) found.models.push(model.id);

found.errors = {};
const failing = {
  nope: () => client.chat.completions.create({ model: "nope", messages }),
  limited: () => client.chat.completions.create({ model: "limited", messages }),
  stranger: () => client.withOptions({ apiKey: "rk-wrong" }).models.list(),
  slow: () => client.chat.completions.create({ model: "slow", messages }, { timeout: 200 }),
  cut: async () => {
    for await (const _ of await client.chat.completions.create({ model: "cut", messages, stream: true }));
  },
};
for (const [name, ask] of Object.entries(failing)) {
  try {
    await ask();
    found.errors[name] = ["no error"];
  } catch (error) {
    found.errors[name] = [error.constructor.name, error.code ?? null];
  }
}

console.log(JSON.stringify(found));
