/** A page that needs one function of the library. */
export { newKey } from "../../src/client/index.ts";
