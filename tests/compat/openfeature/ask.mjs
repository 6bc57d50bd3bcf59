// Asks for the version of the app `barn` that answers each of the users named, by the official packages.
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OpenFeature } from "@openfeature/server-sdk";

await OpenFeature.setProviderAndWait(
  new OFREPProvider({
    baseUrl: process.env.ROWEN_URL,
    headers: [["authorization", `Bearer ${process.env.ROWEN_KEY}`]],
  }),
);
const client = OpenFeature.getClient();
const users = {};
for (const user of process.argv.slice(2)) {
  users[user] = await client.getStringDetails("barn", "-", { targetingKey: user });
}
const unknown = await client.getStringDetails("shed", "-", { targetingKey: "u" });
console.log(JSON.stringify({ users, unknown }));
