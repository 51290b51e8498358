// Following a pointer until it is lifted.

/** Call `move` for each pointer movement until the pointer is lifted, then `end`. */
export function follow(start, move, end) {
  const stop = () => {
    document.removeEventListener("pointermove", move);
    document.removeEventListener("pointerup", stop);
    document.removeEventListener("pointercancel", stop);
    end();
  };
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", stop);
  document.addEventListener("pointercancel", stop);
}

