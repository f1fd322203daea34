import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "slotcast-client";
import { FreeTimes } from "./free_times.tsx";

// The server lists the origin of this page in SLOTCAST_ORIGINS: http://localhost:5173.
const client = connect("http://localhost:8080");

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <FreeTimes client={client} calendar="demo" />
  </StrictMode>,
);
