# The images of WorkerPool: targets operator, runner and ctl (docs/images.md).
#
#   docker build --target runner --tag workerpool/runner:0.1.0 .
#
# DEBIAN is where everything is compiled, and whose packages the libraries come from: pin it by
# digest, --build-arg DEBIAN=debian:trixie-slim@sha256:…, where a registry is used. BASE is what the
# images stand on: nothing, as each program brings all that it needs in /workerpool. With
# --build-arg BASE=debian:trixie-slim there is a shell beside.
#
# The mounts keep apt's and the compiler's caches between builds. A builder that has no BuildKit:
#   sed 's/--mount=[^ ]* //g' Dockerfile | docker build --file - --target runner .
ARG DEBIAN=debian:trixie-slim
ARG BASE=scratch

FROM ${DEBIAN} AS build
WORKDIR /source
# What changes least comes first: the packages, then each folder above those that include it.
COPY tools/setup tools/setup
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt/lists,sharing=locked tools/setup programs
COPY CMakeLists.txt ./
COPY cmake cmake
COPY base base
COPY queue queue
COPY runner runner
COPY operator operator
COPY ctl ctl
RUN --mount=type=cache,target=/root/.cache/ccache cmake -G Ninja -B build -DCMAKE_BUILD_TYPE=Release -DWORKERPOOL_TESTS=OFF -DWORKERPOOL_UNITY=ON && ninja -C build portable
COPY tools/portable-folder tools/portable-folder
# The time of every file, in seconds since 1970: the same sources and packages give the same bytes.
ARG SOURCE_DATE_EPOCH=0
RUN export SOURCE_DATE_EPOCH && \
    tools/portable-folder --launcher build/portable/workerpool-runner-launcher \
      /out/runner build/portable/workerpool-runner && \
    tools/portable-folder --with tzdata /out/operator build/portable/workerpool-operator && \
    tools/portable-folder --with tzdata /out/ctl build/portable/workerpoolctl && \
    mkdir -p /out/base/tmp && chmod 1777 /out/base/tmp && \
    mkdir -p /out/zones/usr/share && cp -a /usr/share/zoneinfo /out/zones/usr/share/ && \
    rm -rf /out/zones/usr/share/zoneinfo/right /out/zones/usr/share/zoneinfo/posix && \
    find /out/base /out/zones -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

FROM ${BASE} AS common
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.vendor="WorkerPool" \
      org.opencontainers.image.documentation="docs/images.md"
COPY --from=build /out/base/ /
ENV PATH=/workerpool/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
USER 65532:65532
STOPSIGNAL SIGTERM

FROM common AS operator
LABEL org.opencontainers.image.title="workerpool-operator" \
      org.opencontainers.image.description="Keeps the right number of workers on every queue"
COPY --from=build /out/zones/ /
COPY --from=build /out/operator /workerpool
EXPOSE 8080 8081
ENTRYPOINT ["/workerpool/bin/workerpool-operator"]
CMD ["run"]

FROM common AS ctl
LABEL org.opencontainers.image.title="workerpoolctl" \
      org.opencontainers.image.description="Producers' and operators' hand on the queues"
COPY --from=build /out/zones/ /
COPY --from=build /out/ctl /workerpool
ENTRYPOINT ["/workerpool/bin/workerpoolctl"]
CMD ["--help"]

FROM common AS runner
LABEL org.opencontainers.image.title="workerpool-runner" \
      org.opencontainers.image.description="Claims jobs from a queue and runs them"
COPY --from=build /out/runner /workerpool
EXPOSE 9808
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
  CMD ["/workerpool/bin/workerpool-runner", "health"]
ENTRYPOINT ["/workerpool/bin/workerpool-runner"]
