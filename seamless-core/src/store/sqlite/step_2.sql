-- Version 2. Open intents are looked for once, when applying begins: an index was written twice with each action.

DROP INDEX entry_intended;
