"""What programs call: gradio's endpoints, plain HTTP and the stream."""
