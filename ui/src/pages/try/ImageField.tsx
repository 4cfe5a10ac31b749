/** An image chosen or dropped. Only bytes that are a PNG or a JPEG are taken, whatever the file is called. */

import { type DragEvent, useState } from "react";
import { formatBytes } from "~/model/format";
import { IMAGE_BYTES_MAX, imageType, imageUrl, type Picked, toBase64 } from "~/model/images";
import { Field } from "./Fields";

async function pick(file: File): Promise<Picked | string> {
  if (file.size > IMAGE_BYTES_MAX) {
    return `is ${formatBytes(file.size)}; at most ${formatBytes(IMAGE_BYTES_MAX)} can be sent`;
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  const mediaType = imageType(bytes);
  if (!mediaType) return "is neither a PNG nor a JPEG";
  return { name: file.name, mediaType, base64: toBase64(bytes), sizeBytes: bytes.length };
}

export function ImageField(props: {
  hint: string;
  mistake: string | undefined;
  image: Picked | undefined;
  change: (image: Picked | undefined) => void;
}) {
  const { image, change } = props;
  const [wrong, setWrong] = useState<string>();
  const [over, setOver] = useState(false);
  const take = async (file: File | undefined) => {
    if (!file) return;
    const picked = await pick(file).catch(() => "could not be read");
    setWrong(typeof picked === "string" ? picked : undefined);
    change(typeof picked === "string" ? undefined : picked);
  };
  const drag = (event: DragEvent) => {
    event.preventDefault();
    setOver(event.type === "dragover");
  };
  return (
    <Field label="Image" hint={props.hint} mistake={wrong ?? props.mistake}>
      {(control) => (
        <section
          className={`try-drop ${over ? "over" : ""}`}
          aria-label="Place to drop an image"
          onDragOver={drag}
          onDragLeave={drag}
          onDrop={(event) => {
            drag(event);
            void take(event.dataTransfer.files[0]);
          }}
        >
          <input
            {...control}
            type="file"
            accept="image/png,image/jpeg"
            onChange={(event) => void take(event.target.files?.[0])}
          />
          {image ? <Preview image={image} /> : <span className="muted small">or drop it here</span>}
        </section>
      )}
    </Field>
  );
}

function Preview({ image }: { image: Picked }) {
  const [failed, setFailed] = useState<string>();
  const source = imageUrl({ base64: image.base64, media_type: image.mediaType });
  return (
    <figure className="try-preview">
      {failed === source ? (
        <p className="muted">This browser cannot show it.</p>
      ) : (
        <img src={source} alt={`Preview of ${image.name}`} onError={() => setFailed(source)} />
      )}
      <figcaption className="small muted truncate">
        {image.name} · {formatBytes(image.sizeBytes)}
      </figcaption>
    </figure>
  );
}
