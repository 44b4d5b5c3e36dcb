import { setFlagsFromString } from "node:v8";

/**
 * Calls from WebAssembly into JavaScript after which V8 compiles the step between them for speed: never, as near as its flag
 * lets one say so. What it compiled is kept for all threads of a process together, until none uses it: then V8 of Node 24
 * now and then frees one twice, and ends the whole process with `Check failed: jit_page_->allocations_.erase(addr) == 1`
 * (nodejs/node#64500). No speed is lost that could be measured: `npm run bench -- risk` says the same with and without.
 */
const CALLS = 2 ** 31 - 1;

// V8 reads it when a module is made ready to run: whoever imports this does so before what brings WebAssembly. A V8 that does
// not know the flag says so on stderr and goes on.
setFlagsFromString(`--wasm-wrapper-tiering-budget=${CALLS}`);
